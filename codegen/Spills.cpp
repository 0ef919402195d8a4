// See Spills.h.
#include "codegen/Spills.h"

#include "codegen/Functions.h"

#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/CodeGen/MachineFrameInfo.h>
#include <llvm/CodeGen/MachineFunctionPass.h>
#include <llvm/CodeGen/MachineLoopInfo.h>
#include <llvm/CodeGen/PseudoSourceValue.h>
#include <llvm/IR/BasicBlock.h>
#include <llvm/IR/Instruction.h>

namespace cameo {
namespace {

// Vectors have as many bytes at least. Pointers and counters do not matter: they are read once in
// an iteration.
constexpr uint64_t kVectorBytes = 16;

class CountSpills : public llvm::MachineFunctionPass {
public:
  static char ID;
  explicit CountSpills(std::vector<Spill> &spills) : MachineFunctionPass(ID), spills_(spills) {}

  llvm::StringRef getPassName() const override { return "Count spills in loops of products"; }

  void getAnalysisUsage(llvm::AnalysisUsage &usage) const override {
    usage.addRequired<llvm::MachineLoopInfoWrapperPass>();
    usage.setPreservesAll();
    MachineFunctionPass::getAnalysisUsage(usage);
  }

  bool runOnMachineFunction(llvm::MachineFunction &function) override {
    const llvm::MachineFrameInfo &frame = function.getFrameInfo();
    if (!isGenerated(function.getFunction()) || !frame.hasStackObjects())
      return false;
    int64_t references = 0;
    llvm::MachineLoopInfo &loops = getAnalysis<llvm::MachineLoopInfoWrapperPass>().getLI();
    llvm::SmallPtrSet<const llvm::MachineLoop *, 4> ofProducts;
    for (const llvm::MachineBasicBlock &block : function)
      if (endsProductsLoop(block))
        ofProducts.insert(loops.getLoopFor(&block));
    ofProducts.erase(nullptr); // of blocks in no loop any more
    for (const llvm::MachineBasicBlock &block : function)
      if (ofProducts.contains(loops.getLoopFor(&block)))
        references += llvm::count_if(block, [&](const llvm::MachineInstr &instruction) {
          return isSpillOfVector(instruction, frame);
        });
    if (references > 0)
      spills_.push_back({function.getName().str(), references});
    return false;
  }

private:
  static bool endsProductsLoop(const llvm::MachineBasicBlock &block) {
    const llvm::BasicBlock *source = block.getBasicBlock();
    return source && source->getTerminator()->hasMetadata(kProductsLoop);
  }

  /// Also an operand in memory of another instruction.
  static bool isSpillOfVector(const llvm::MachineInstr &instruction,
                              const llvm::MachineFrameInfo &frame) {
    return llvm::any_of(instruction.memoperands(), [&](const llvm::MachineMemOperand *operand) {
      const llvm::PseudoSourceValue *source = operand->getPseudoValue();
      if (!source || source->kind() != llvm::PseudoSourceValue::FixedStack)
        return false;
      int slot = static_cast<const llvm::FixedStackPseudoSourceValue *>(source)->getFrameIndex();
      llvm::LocationSize size = operand->getSize();
      return frame.isSpillSlotObjectIndex(slot) && size.hasValue() &&
             (size.isScalable() || size.getValue().getFixedValue() >= kVectorBytes);
    });
  }

  std::vector<Spill> &spills_;
};

char CountSpills::ID = 0;

} // namespace

llvm::FunctionPass *createCountSpills(std::vector<Spill> &spills) {
  return new CountSpills(spills);
}

} // namespace cameo
